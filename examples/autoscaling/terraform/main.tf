terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "image" {
  description = "AMI with Node.js, zstd, curl, the user deploy, /srv/api that belongs to it, and the unit of the app"
  type        = string
}

variable "subnets" {
  type = list(string)
}

variable "min_size" {
  description = "0 the first time, until a deploy with --allow-empty has moved the pointer"
  type        = number
  default     = 2
}

variable "target_group_arns" {
  type    = list(string)
  default = []
}

resource "aws_iam_role" "api" {
  name_prefix = "api-"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
}

# Written by generate.sh, as user-data.sh below.
resource "aws_iam_role_policy" "deliver" {
  name   = "deliver"
  role   = aws_iam_role.api.id
  policy = file("${path.module}/../instance-policy.json")
}

resource "aws_iam_instance_profile" "api" {
  name_prefix = "api-"
  role        = aws_iam_role.api.name
}

resource "aws_launch_template" "api" {
  name_prefix            = "api-"
  image_id               = var.image
  instance_type          = "t3.small"
  user_data              = filebase64("${path.module}/../user-data.sh")
  update_default_version = true

  iam_instance_profile {
    name = aws_iam_instance_profile.api.name
  }

  metadata_options {
    http_tokens = "required"
  }
}

resource "aws_autoscaling_group" "api" {
  name                = "api-prod"
  min_size            = var.min_size
  max_size            = 8
  vpc_zone_identifier = var.subnets
  target_group_arns   = var.target_group_arns
  health_check_type   = "ELB"

  launch_template {
    id      = aws_launch_template.api.id
    version = "$Latest"
  }

  # With the group, so that its first instances wait too. Longer than boot.retryFor.
  initial_lifecycle_hook {
    name                 = "boot"
    lifecycle_transition = "autoscaling:EC2_INSTANCE_LAUNCHING"
    heartbeat_timeout    = 900
    default_result       = "ABANDON"
  }

  # While instances are in standby, deliver lowers it; scaling policies set it, too.
  lifecycle {
    ignore_changes = [desired_capacity]
  }
}
