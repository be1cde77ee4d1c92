import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { effectivePermissions, isPermission, isRole, PERMISSIONS, ROLES } from '../../../src/access/permissions.ts';
import { can, systemViewer } from '../../../src/access/viewer.ts';

const names = Object.keys(PERMISSIONS).filter(isPermission);
const of = (role: string) => effectivePermissions({ role, extra: [] });
const anyName = fc.oneof(fc.constantFrom(...names), fc.string());

describe('the table', () => {
  it('names permissions subject:action and describes each', () => {
    for (const [name, description] of Object.entries(PERMISSIONS)) {
      expect(name).toMatch(/^[a-z][A-Za-z]*:(read|write|decrypt|reactivate)$/);
      expect(description.length).toBeGreaterThan(5);
    }
  });

  it.each(['', 'content', 'content:READ', 'content:delete', 'toString', '__proto__', 'constructor'])(
    'does not know %j',
    (text) => {
      expect(isPermission(text)).toBe(false);
      expect(isRole(text)).toBe(false);
      expect(of(text).size).toBe(0);
    },
  );
});

describe('roles', () => {
  it('give owners and administrators everything', () => {
    expect(of('OWNER')).toEqual(new Set(names));
    expect(of('ADMIN')).toEqual(new Set(names));
  });

  it('give viewers reads only, without the audit trail, keys and protected fields', () => {
    const held = [...of('VIEWER')];
    expect(held.every((name) => name.endsWith(':read'))).toBe(true);
    expect(held).toEqual(expect.not.arrayContaining(['audit:read', 'key:read', 'osint:decrypt']));
    expect(held).toContain('osint:read');
  });

  it('give protected fields and intelligence writes to analysts, and no administration', () => {
    expect([...of('ANALYST')]).toEqual(expect.arrayContaining(['osint:decrypt', 'content:write', 'case:write']));
    for (const name of ['member:write', 'key:write', 'audit:read'] as const)
      expect(of('ANALYST').has(name)).toBe(false);
  });

  it('give protected fields to nobody else', () => {
    const holders = Object.keys(ROLES).filter((role) => of(role).has('osint:decrypt'));
    expect(holders).toEqual(['OWNER', 'ADMIN', 'ANALYST']);
  });

  it('give managers cases and the audit trail', () => {
    expect([...of('MANAGER')]).toEqual(expect.arrayContaining(['member:read', 'audit:read', 'case:write']));
    expect(of('MANAGER').has('content:write')).toBe(false);
  });
});

describe('effectivePermissions', () => {
  const grant = { role: fc.constantFrom(...Object.keys(ROLES), 'UNKNOWN'), extra: fc.array(anyName) };

  it('never gives a key more than its member or than its own list', () => {
    fc.assert(
      fc.property(grant.role, grant.extra, fc.array(anyName), (role, extra, keyPermissions) => {
        const member = effectivePermissions({ role, extra });
        const key = effectivePermissions({ role, extra, keyPermissions });
        for (const name of key) expect(member.has(name) && keyPermissions.includes(name)).toBe(true);
        for (const name of keyPermissions)
          expect(isPermission(name) && member.has(name)).toBe([...key].some((k) => k === name));
      }),
    );
  });

  it('adds known extra permissions and leaves the role as it was', () => {
    const before = of('VIEWER').size;
    expect(effectivePermissions({ role: 'VIEWER', extra: ['audit:read', 'newer:read'] }).size).toBe(before + 1);
    expect(of('VIEWER').size).toBe(before);
  });

  it('gives a key with an empty list nothing, and no key the member’s', () => {
    expect(effectivePermissions({ role: 'OWNER', extra: [], keyPermissions: [] }).size).toBe(0);
    expect(effectivePermissions({ role: 'OWNER', extra: [], keyPermissions: null }).size).toBe(names.length);
  });
});

describe('viewers', () => {
  it('can what they hold; nobody can anything', () => {
    const system = systemViewer('01890a5d-ac96-774b-bcce-b302099a8057', 'retention');
    expect(system).toMatchObject({ kind: 'SYSTEM', memberId: null, request: { userAgent: 'argus/retention' } });
    for (const name of names) expect(can(system, name)).toBe(true);
    expect(can({ ...system, permissions: of('VIEWER') }, 'content:read')).toBe(true);
    expect(can({ ...system, permissions: of('VIEWER') }, 'content:write')).toBe(false);
    expect(can(null, 'content:read')).toBe(false);
  });
});
