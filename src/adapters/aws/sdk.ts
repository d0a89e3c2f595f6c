/**
 * The only imports of the AWS SDK, each loaded when a command first needs it: a client takes from 0.1 to 0.5 s to load. On
 * Node 20 the SDK prints a warning on standard error unless it is told not to. The types are written down: the compiler would write out
 * each client's, and takes longer for that than for all of deliver.
 */
function quietly(): void {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
}

export async function loadS3(): Promise<typeof import('@aws-sdk/client-s3')> {
  quietly()
  return import('@aws-sdk/client-s3')
}

export async function loadPresigner(): Promise<typeof import('@aws-sdk/s3-request-presigner')> {
  quietly()
  return import('@aws-sdk/s3-request-presigner')
}

export async function loadAutoScaling(): Promise<typeof import('@aws-sdk/client-auto-scaling')> {
  quietly()
  return import('@aws-sdk/client-auto-scaling')
}

export async function loadEc2(): Promise<typeof import('@aws-sdk/client-ec2')> {
  quietly()
  return import('@aws-sdk/client-ec2')
}

export async function loadTargetGroups(): Promise<
  typeof import('@aws-sdk/client-elastic-load-balancing-v2')
> {
  quietly()
  return import('@aws-sdk/client-elastic-load-balancing-v2')
}

export async function loadClassicLoadBalancers(): Promise<
  typeof import('@aws-sdk/client-elastic-load-balancing')
> {
  quietly()
  return import('@aws-sdk/client-elastic-load-balancing')
}
