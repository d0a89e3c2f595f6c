/** The actions of IAM that each feature uses. Its documentation and its errors name the same. */
export const permissions = {
  autoscalingFleet: ['autoscaling:DescribeAutoScalingGroups', 'ec2:DescribeInstances'],
  standby: ['autoscaling:EnterStandby', 'autoscaling:ExitStandby', 'autoscaling:UpdateAutoScalingGroup'],
  targetGroups: [
    'elasticloadbalancing:DescribeTargetGroups',
    'elasticloadbalancing:DescribeTargetHealth',
    'elasticloadbalancing:DeregisterTargets',
    'elasticloadbalancing:RegisterTargets',
  ],
  loadBalancers: [
    'elasticloadbalancing:DescribeInstanceHealth',
    'elasticloadbalancing:DeregisterInstancesFromLoadBalancer',
    'elasticloadbalancing:RegisterInstancesWithLoadBalancer',
  ],
} as const
