import { Random } from '../random.ts';
import { demoProjectId } from '../stable-ids.ts';
import { PROJECTS } from './projects.ts';

/** A project's day as it is recorded. */
export interface DemoDay {
  projectId: string;
  date: Date;
  commits: number;
  contributors: number;
  filesChanged: number;
  linesAdded: number;
  linesDeleted: number;
  linesOfCode: number;
  techStack: readonly string[];
}

const DAY_MS = 86_400_000;
const DAYS = 120;
const SEED = 20_260_402;

/** The last 120 whole days of the projects whose commits are counted. */
export function makeDays(now: Date): DemoDay[] {
  const random = new Random(SEED);
  const today = Math.floor(now.getTime() / DAY_MS) * DAY_MS;
  return PROJECTS.flatMap(({ key, commits: usual, techStack }, index) => {
    if (usual === undefined) return [];
    let linesOfCode = 40_000 + 17_000 * index;
    return Array.from({ length: DAYS }, (_, i): DemoDay => {
      const date = new Date(today - (DAYS - i) * DAY_MS);
      const isWeekend = date.getUTCDay() % 6 === 0;
      const [load, size] = [random.next(), random.int(9, 60)];
      const commits = Math.round(usual * load * (isWeekend ? 0.15 : 1.6));
      const linesAdded = commits * size;
      const linesDeleted = Math.round(linesAdded * (0.3 + load / 2));
      linesOfCode += linesAdded - linesDeleted;
      const contributors = Math.min(6, Math.ceil(commits / 3));
      return {
        projectId: demoProjectId(key),
        date,
        commits,
        contributors,
        filesChanged: commits * 3,
        linesAdded,
        linesDeleted,
        linesOfCode,
        techStack,
      };
    });
  });
}
