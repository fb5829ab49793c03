# One queue that ingest polls, and one behind it, which stays empty unless ingest fails on a message again and again.

resource "aws_sqs_queue" "dead" {
  name                      = "${var.name}-alarms-dead"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = var.kms_key == null ? true : null
  kms_master_key_id         = one(var.kms_key[*].arn)
}

resource "aws_sqs_queue" "alarms" {
  name                       = "${var.name}-alarms"
  message_retention_seconds  = 345600
  visibility_timeout_seconds = 60
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = var.kms_key == null ? true : null
  kms_master_key_id          = one(var.kms_key[*].arn)
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = 10
  })

  lifecycle {
    precondition {
      condition     = var.send_by_topic || var.send_by_rule
      error_message = "Nothing would send: set send_by_topic or send_by_rule."
    }
  }
}

locals {
  # The ARN of the queue tells partition, region and account, so AWS is not asked for them.
  place     = split(":", aws_sqs_queue.alarms.arn)
  partition = local.place[1]
  region    = local.place[3]
  account   = local.place[4]

  senders  = concat(aws_sns_topic.alarms[*].arn, aws_cloudwatch_event_rule.alarms[*].arn)
  services = compact([var.send_by_topic ? "sns.amazonaws.com" : "", var.send_by_rule ? "events.amazonaws.com" : ""])
}

resource "aws_sqs_queue_policy" "alarms" {
  queue_url = aws_sqs_queue.alarms.id
  policy = templatefile("${path.module}/policies/queue.json.tftpl", {
    queue_arn = aws_sqs_queue.alarms.arn
    senders   = jsonencode(local.senders)
    services  = jsonencode(local.services)
  })
}

# Who watches the watcher: these two go to people, not to the queue that nobody reads then.

resource "aws_cloudwatch_metric_alarm" "waiting" {
  count = length(var.operators_topic_arns) == 0 ? 0 : 1

  alarm_name          = "${var.name}-alarms-wait"
  alarm_description   = "An alarm has waited for 5 minutes: ingest does not take it. Severity: critical."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.alarms.name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 2
  threshold           = 300
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.operators_topic_arns
  ok_actions          = var.operators_topic_arns
}

resource "aws_cloudwatch_metric_alarm" "dead" {
  count = length(var.operators_topic_arns) == 0 ? 0 : 1

  alarm_name          = "${var.name}-alarms-dead"
  alarm_description   = "A message was received 10 times and never handled. Severity: error."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.operators_topic_arns
  ok_actions          = var.operators_topic_arns
}
