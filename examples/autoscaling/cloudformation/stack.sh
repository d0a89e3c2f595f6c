#!/bin/sh
# After generate.sh: the template with both of its files put in. The script is longer than a parameter may be.
# Then: aws cloudformation deploy --stack-name api --template-file api.out.yaml --capabilities CAPABILITY_IAM --parameter-overrides ...
set -eu
cd "$(dirname "$0")"
script=$(base64 <../user-data.sh | tr -d '\n')
policy=$(tr -d '\n' <../instance-policy.json)
sed -e "s|USER_DATA\$|$script|" -e "s|INSTANCE_POLICY\$|$policy|" api.yaml >api.out.yaml
