/** Loads that were declared and not done yet. */
const declared = new Set<() => Promise<unknown>>()

/**
 * A module that is loaded when it is first needed, since most runs don't need it, or by `loadLazily`. `load` is an `import()` in the file
 * that needs the module: Node looks at the disk again for each file that imports one, although the module is in memory.
 */
export function lazily<Module>(load: () => Promise<Module>): () => Promise<Module> {
  let loaded: Promise<Module> | undefined
  const get = (): Promise<Module> => {
    declared.delete(get)
    return (loaded ??= load())
  }
  declared.add(get)
  return get
}

/** Loads all that was declared by the modules in memory, and by those that this brings. */
export async function loadLazily(): Promise<void> {
  while (declared.size > 0) await Promise.all([...declared].map((get) => get()))
}
