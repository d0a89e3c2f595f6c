import { BaseSequencer, type TestSequencerConstructor, type TestSpecification } from 'vitest/node'

/** Starts these files first, so that none of them is left to run alone at the end: the ends of their paths, longest first. */
export function startFirst(files: readonly string[]): TestSequencerConstructor {
  const rank = ({ moduleId }: TestSpecification): number => {
    const at = files.findIndex((file) => moduleId.endsWith(`/${file}`))
    return at < 0 ? files.length : at
  }
  return class extends BaseSequencer {
    override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
      return (await super.sort(specifications)).sort((a, b) => rank(a) - rank(b))
    }
  }
}
