# Two roles, each for one service account: ingest takes from the queue, the toolrunner's servers read CloudWatch.

locals {
  issuer = try(split("oidc-provider/", var.oidc_provider_arn)[1], "")
  accounts = {
    ingest     = "ingest"
    cloudwatch = "toolrunner"
  }
}

resource "aws_iam_role" "pod" {
  for_each = local.accounts

  name                 = "${var.name}-${each.key}"
  description          = "Nightshift: service account ${each.value} of namespace ${var.namespace} in cluster ${var.cluster_name}"
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy = templatefile("${path.module}/policies/trust-${var.identity}.json.tftpl", {
    oidc_provider_arn = var.oidc_provider_arn
    issuer            = local.issuer
    cluster_name      = var.cluster_name
    namespace         = var.namespace
    service_account   = each.value
  })

  lifecycle {
    precondition {
      condition     = var.identity != "irsa" || local.issuer != ""
      error_message = "irsa needs oidc_provider_arn: the IAM OIDC provider of the cluster."
    }
  }
}

resource "aws_eks_pod_identity_association" "pod" {
  for_each = var.identity == "pod-identity" ? local.accounts : {}

  cluster_name    = var.cluster_name
  namespace       = var.namespace
  service_account = each.value
  role_arn        = aws_iam_role.pod[each.key].arn
}

resource "aws_iam_role_policy" "ingest" {
  name = "queue"
  role = aws_iam_role.pod["ingest"].id
  policy = templatefile("${path.module}/policies/ingest.json.tftpl", {
    queue_arn = aws_sqs_queue.alarms.arn
  })
}

resource "aws_iam_role_policy" "ingest_key" {
  count = var.kms_key == null ? 0 : 1

  name = "key"
  role = aws_iam_role.pod["ingest"].id
  policy = templatefile("${path.module}/policies/ingest-key.json.tftpl", {
    key_arn = var.kms_key.arn
  })
}

resource "aws_iam_role_policy" "cloudwatch" {
  name   = "read"
  role   = aws_iam_role.pod["cloudwatch"].id
  policy = templatefile("${path.module}/policies/cloudwatch.json.tftpl", {})
}

resource "aws_iam_role_policy" "cloudwatch_logs" {
  count = length(var.log_groups) == 0 ? 0 : 1

  name = "logs"
  role = aws_iam_role.pod["cloudwatch"].id
  policy = templatefile("${path.module}/policies/cloudwatch-logs.json.tftpl", {
    log_group_arns = jsonencode([
      for group in var.log_groups :
      "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${group}:*"
    ])
  })
}
