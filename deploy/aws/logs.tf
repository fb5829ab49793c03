# Only with var.logs: lines of one log group go through Firehose to ingest's door, and what it refuses into a bucket.

resource "aws_s3_bucket" "undelivered" {
  count = var.logs == null ? 0 : 1

  bucket = "${var.name}-undelivered-${local.account}"

  # Why checkov may not ask for more: what lies here are log lines that stand in the log group anyway, for two weeks.
  # checkov:skip=CKV_AWS_18:access logs would need a bucket of their own, and nobody but an operator reads this one
  # checkov:skip=CKV_AWS_21:versions would keep what the two weeks' rule deletes, and nothing is ever written over
  # checkov:skip=CKV_AWS_144:a copy of a copy; the log group has the lines
  # checkov:skip=CKV_AWS_145:S3 encrypts with its own key; a key in KMS costs per month and per request, for the same lines
  # checkov:skip=CKV2_AWS_62:ingest's own door and Firehose's metrics tell of refused batches; nothing is to run on them
}

resource "aws_s3_bucket_public_access_block" "undelivered" {
  count = var.logs == null ? 0 : 1

  bucket                  = aws_s3_bucket.undelivered[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_lifecycle_configuration" "undelivered" {
  count = var.logs == null ? 0 : 1

  bucket = aws_s3_bucket.undelivered[0].id

  rule {
    id     = "two-weeks"
    status = "Enabled"

    filter {}

    expiration {
      days = 14
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

resource "aws_iam_role" "firehose" {
  count = var.logs == null ? 0 : 1

  name                 = "${var.name}-firehose"
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy   = templatefile("${path.module}/policies/trust-firehose.json.tftpl", {})
}

resource "aws_iam_role_policy" "firehose" {
  count = var.logs == null ? 0 : 1

  name = "undelivered"
  role = aws_iam_role.firehose[0].id
  policy = templatefile("${path.module}/policies/firehose.json.tftpl", {
    bucket_arn = aws_s3_bucket.undelivered[0].arn
  })
}

resource "aws_iam_role_policy" "firehose_token" {
  count = var.logs == null ? 0 : 1

  name = "token"
  role = aws_iam_role.firehose[0].id
  policy = templatefile("${path.module}/policies/firehose-token.json.tftpl", {
    secret_arn = var.logs.token_secret_arn
  })
}

resource "aws_kinesis_firehose_delivery_stream" "logs" {
  count = var.logs == null ? 0 : 1

  name        = "${var.name}-logs"
  destination = "http_endpoint"

  # checkov:skip=CKV_AWS_241:AWS's own key; one of yours costs per month and per request, for lines that pass in a minute
  server_side_encryption {
    enabled = true
  }

  http_endpoint_configuration {
    name               = "nightshift"
    url                = var.logs.url
    buffering_size     = 1
    buffering_interval = 60
    retry_duration     = 3600
    role_arn           = aws_iam_role.firehose[0].arn
    s3_backup_mode     = "FailedDataOnly"

    # The token stays in Secrets Manager and never stands in Terraform's state.
    secrets_manager_configuration {
      enabled    = true
      secret_arn = var.logs.token_secret_arn
      role_arn   = aws_iam_role.firehose[0].arn
    }

    s3_configuration {
      role_arn   = aws_iam_role.firehose[0].arn
      bucket_arn = aws_s3_bucket.undelivered[0].arn
    }
  }

  depends_on = [aws_iam_role_policy.firehose, aws_iam_role_policy.firehose_token]
}

resource "aws_iam_role" "logs" {
  count = var.logs == null ? 0 : 1

  name                 = "${var.name}-logs"
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy   = templatefile("${path.module}/policies/trust-logs.json.tftpl", {})
}

resource "aws_iam_role_policy" "logs" {
  count = var.logs == null ? 0 : 1

  name = "deliver"
  role = aws_iam_role.logs[0].id
  policy = templatefile("${path.module}/policies/logs.json.tftpl", {
    stream_arn = aws_kinesis_firehose_delivery_stream.logs[0].arn
  })
}

resource "aws_cloudwatch_log_subscription_filter" "errors" {
  count = var.logs == null ? 0 : 1

  name            = "${var.name}-errors"
  log_group_name  = var.logs.log_group
  filter_pattern  = var.logs.filter_pattern
  destination_arn = aws_kinesis_firehose_delivery_stream.logs[0].arn
  role_arn        = aws_iam_role.logs[0].arn

  # CloudWatch tries the role at once.
  depends_on = [aws_iam_role_policy.logs]
}
