/** The plain schema: lists where Argus has connections. The stock stack builds the same one in code. */
export const PLAIN_SCHEMA = `
type Bug {
  id: ID!
  number: Int!
  title: String!
  description: String
  severity: String!
  status: String!
  priorityScore: Int!
  slaState: String!
  createdAt: String!
  project: Project!
  assignee: Member
  history(first: Int!): [BugChange!]!
}
type BugChange { id: ID!, field: String!, oldValue: String, newValue: String, at: String! }
type Member { id: ID!, displayName: String! }
type BugPayload { bug: Bug! }
type DayCount { start: String!, total: Int! }
type SeverityCount { severity: String!, count: Int! }
type StatusCount { status: String!, count: Int! }
type Statistics { severities: [SeverityCount!]!, statuses: [StatusCount!]! }
type Project { id: ID!, key: String!, name: String!, roiScore: Float!, bugs(first: Int!): [Bug!]! }

type Query {
  bug(id: ID!): Bug
  bugs(first: Int!, after: ID, severity: String, status: String, slaState: String, isBlocker: Boolean): [Bug!]!
  searchBugs(query: String!): [Bug!]!
  statistics: Statistics!
  topBugs(first: Int!): [Bug!]!
  topProjects(first: Int!): [Project!]!
  trends(since: String!, until: String!): [DayCount!]!
  projects(first: Int!, status: String!): [Project!]!
}
type Mutation { createBug(project: ID!, title: String!, severity: String!): BugPayload! }
`;
