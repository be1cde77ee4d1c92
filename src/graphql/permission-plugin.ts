import SchemaBuilder, {
  BasePlugin,
  type FieldNullability,
  type InputFieldMap,
  type PothosOutputFieldConfig,
  type SchemaTypes,
  type TypeParam,
} from '@pothos/core';
import type { GraphQLFieldResolver } from 'graphql';
import { PERMISSIONS, type Permission } from '../access/permissions.ts';
import { Forbidden, Unauthenticated } from '../errors.ts';
import type { Context } from './context.ts';

type Required = Permission | 'public';

declare global {
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      permission: PermissionPlugin<Types>;
    }
    // The compiler asks for it on every root field, and so does the plugin when the schema is built.
    export interface QueryFieldOptions<
      Types extends SchemaTypes,
      Type extends TypeParam<Types>,
      Nullable extends FieldNullability<Type>,
      Args extends InputFieldMap,
      ResolveReturnShape,
    > {
      permission: Required;
    }
    export interface MutationFieldOptions<
      Types extends SchemaTypes,
      Type extends TypeParam<Types>,
      Nullable extends FieldNullability<Type>,
      Args extends InputFieldMap,
      ResolveReturnShape,
    > {
      permission: Required;
    }
    export interface SubscriptionFieldOptions<
      Types extends SchemaTypes,
      Type extends TypeParam<Types>,
      Nullable extends FieldNullability<Type>,
      Args extends InputFieldMap,
      ResolveShape,
      ResolveReturnShape,
    > {
      permission: Required;
    }
    export interface ObjectFieldOptions<
      Types extends SchemaTypes,
      ParentShape,
      Type extends TypeParam<Types>,
      Nullable extends FieldNullability<Type>,
      Args extends InputFieldMap,
      ResolveReturnShape,
    > {
      permission?: Required;
    }
  }
}

const ROOTS = new Set(['Query', 'Mutation', 'Subscription']);

function permissionOf(config: PothosOutputFieldConfig<SchemaTypes>): Required | undefined {
  const { permission } = config.pothosOptions as { permission?: Required };
  return permission;
}

/** Throws unless the viewer holds the permission. Nobody holds anything but what is public. */
export function requirePermission(ctx: Context, permission: Permission): void {
  if (ctx.viewer === null) throw ctx.refused ?? new Unauthenticated();
  if (!ctx.viewer.permissions.has(permission)) throw new Forbidden(`this needs the permission ${permission}`);
}

type AnyResolver = GraphQLFieldResolver<unknown, object, object>;

function guarded(resolve: AnyResolver, permission: Permission): AnyResolver {
  return (parent, args, ctx, info) => {
    requirePermission(ctx as Context, permission);
    return resolve(parent, args, ctx, info);
  };
}

/**
 * Every root field declares a permission or `public`, else the schema does not build. The permission's name stands in
 * the field's description, so that whoever explores the schema sees what a key must hold.
 */
export class PermissionPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override onOutputFieldConfig(config: PothosOutputFieldConfig<Types>): PothosOutputFieldConfig<Types> {
    const permission = permissionOf(config as PothosOutputFieldConfig<SchemaTypes>);
    if (!permission) {
      if (!ROOTS.has(config.parentType)) return config;
      throw new Error(`${config.parentType}.${config.name} declares no permission: give it one, or 'public'`);
    }
    if (permission !== 'public' && !(permission in PERMISSIONS)) {
      throw new Error(
        `${config.parentType}.${config.name} asks for ${permission}, which is not in the permission table`,
      );
    }
    const note = permission === 'public' ? 'Public.' : `Needs \`${permission}\`.`;
    return {
      ...config,
      description: config.description ? `${config.description}\n\n${note}` : note,
      extensions: { ...config.extensions, permission },
    };
  }

  override wrapResolve(resolve: AnyResolver, config: PothosOutputFieldConfig<Types>): AnyResolver {
    const permission = permissionOf(config as PothosOutputFieldConfig<SchemaTypes>);
    return permission && permission !== 'public' ? guarded(resolve, permission) : resolve;
  }

  override wrapSubscribe(
    subscribe: AnyResolver | undefined,
    config: PothosOutputFieldConfig<Types>,
  ): AnyResolver | undefined {
    const permission = permissionOf(config as PothosOutputFieldConfig<SchemaTypes>);
    return subscribe && permission && permission !== 'public' ? guarded(subscribe, permission) : subscribe;
  }
}

SchemaBuilder.registerPlugin('permission', PermissionPlugin);
