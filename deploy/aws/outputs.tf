output "topic_arn" {
  description = "For alarm_actions and ok_actions of your alarms; null without a topic."
  value       = one(aws_sns_topic.alarms[*].arn)
}

output "queue_url" {
  description = "Where ingest polls."
  value       = aws_sqs_queue.alarms.url
}

output "dead_letter_queue_url" {
  description = "What ingest failed on again and again."
  value       = aws_sqs_queue.dead.url
}

output "role_arns" {
  description = "The role of each service account."
  value       = { for key, account in local.accounts : account => aws_iam_role.pod[key].arn }
}

locals {
  settings = {
    ingest-settings = {
      NIGHTSHIFT_QUEUE_URL    = aws_sqs_queue.alarms.url
      NIGHTSHIFT_ALARM_PREFIX = var.alarm_prefix
      # At the start too only what would have come by the queue; `*` is what a rule sends, so all.
      NIGHTSHIFT_CATCH_UP_TOPICS = var.send_by_rule ? "*" : join(",", aws_sns_topic.alarms[*].arn)
      AWS_REGION                 = local.region
    }
    servers-settings = {
      AWS_REGION = local.region
    }
    scope-settings = {
      NIGHTSHIFT_LOG_GROUPS = join(",", var.log_groups)
    }
  }
}

output "settings" {
  description = "What the ConfigMaps of deploy/k8s/base/settings have to hold."
  value       = local.settings
}

output "overlay" {
  description = "deploy/k8s/overlays/eks/kustomization.yaml: an overlay with these settings and roles."
  value = join("", [
    templatefile("${path.module}/overlay.yaml.tftpl", {
      overlay         = var.overlay
      identity        = var.identity
      queue_url       = local.settings.ingest-settings.NIGHTSHIFT_QUEUE_URL
      alarm_prefix    = local.settings.ingest-settings.NIGHTSHIFT_ALARM_PREFIX
      catch_up_topics = local.settings.ingest-settings.NIGHTSHIFT_CATCH_UP_TOPICS
      log_groups      = local.settings.scope-settings.NIGHTSHIFT_LOG_GROUPS
      region          = local.region
    }),
    var.identity == "irsa" ? templatefile("${path.module}/overlay-roles.yaml.tftpl", {
      ingest_role_arn     = aws_iam_role.pod["ingest"].arn
      cloudwatch_role_arn = aws_iam_role.pod["cloudwatch"].arn
    }) : "",
  ])
}

output "key_policy" {
  description = "The statements that the policy of your key needs besides its own, as JSON. Without a key they say what one would need."
  value = templatefile("${path.module}/policies/key.json.tftpl", {
    account = local.account
  })
}
