import { defineConfig } from 'vitest/config'

/** What parses the words of others: files, hosts, archives, people; and what hosts may do to a rollout. */
export default defineConfig({
  test: {
    include: [
      'test/release/{manifest,name}.test.ts',
      'test/remote/{answers,readings}.test.ts',
      'test/adapters/ssh/{known-hosts,ssh-config,ssh-config-lines,patterns,needs-openssh}.test.ts',
      'test/adapters/ssh/{given-keys,agent-key-types,host-certificate}.test.ts',
      'test/adapters/ssh/openssh/*.test.ts',
      'test/build/tar-reader.test.ts',
      'test/config/{values,merge,paths,load.property,resolve.property}.test.ts',
      'test/report/table.test.ts',
      'test/store/layout.test.ts',
      'test/execute/{rollout.property,adaptive-limit}.test.ts',
      'test/plan/{batches,prune-store,select}.test.ts',
      'test/plan/machine/properties.test.ts',
      'test/secrets/redactor.test.ts',
      'test/notify/slack-text.test.ts',
      'test/adapters/{s3/parts,autoscaling/entries}.test.ts',
    ],
    setupFiles: ['test/fuzz.ts'],
    testTimeout: 0,
    maxWorkers: 2,
  },
})
