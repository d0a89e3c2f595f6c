/** A declarative pipeline. BUILD_TAG becomes the release's name; the lock's owner is the job. */
export const jenkinsfile = `pipeline {
  agent any
  options {
    disableConcurrentBuilds()
    timeout(time: 1, unit: 'HOURS')
  }
  environment {
    NODE_ENV = 'production'
  }
  stages {
    stage('Ship') {
      steps {
        sh 'npx deliver --plain ship --tag "$BUILD_TAG" --lock-wait 15m'
      }
    }
  }
}
`

/** Added to package.json. */
export const npmScripts: Readonly<Record<string, string>> = {
  deploy: 'deliver ship',
  'deploy:status': 'deliver status',
  'deploy:rollback': 'deliver rollback',
}
