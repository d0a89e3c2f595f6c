/**
 * Whether setup may restore what it made before. `auto`: when it is nothing but an install; `files`: always, and these files and
 * directories decide too; `off`: never.
 */
export type BuildCache =
  { readonly kind: 'auto' | 'off' } | { readonly kind: 'files'; readonly files: readonly string[] }
