# What puts alarms into the queue: the topic, which alarms name, or the rule, which sees all of a region.

resource "aws_sns_topic" "alarms" {
  count = var.send_by_topic ? 1 : 0

  name              = "${var.name}-alarms"
  signature_version = 2
  kms_master_key_id = one(var.kms_key[*].arn)
}

resource "aws_sns_topic_policy" "alarms" {
  count = var.send_by_topic ? 1 : 0

  arn = aws_sns_topic.alarms[0].arn
  policy = templatefile("${path.module}/policies/topic.json.tftpl", {
    topic_arn    = aws_sns_topic.alarms[0].arn
    partition    = local.partition
    region       = local.region
    account      = local.account
    alarm_prefix = var.alarm_prefix
  })
}

resource "aws_sns_topic_subscription" "queue" {
  count = var.send_by_topic ? 1 : 0

  topic_arn = aws_sns_topic.alarms[0].arn
  protocol  = "sqs"
  endpoint  = aws_sqs_queue.alarms.arn
}

resource "aws_cloudwatch_event_rule" "alarms" {
  count = var.send_by_rule ? 1 : 0

  name        = "${var.name}-alarms"
  description = "State changes of CloudWatch alarms, for Nightshift"
  event_pattern = var.alarm_prefix == "" ? jsonencode({
    source        = ["aws.cloudwatch"]
    "detail-type" = ["CloudWatch Alarm State Change"]
    }) : jsonencode({
    source        = ["aws.cloudwatch"]
    "detail-type" = ["CloudWatch Alarm State Change"]
    detail        = { alarmName = [{ prefix = var.alarm_prefix }] }
  })
}

resource "aws_cloudwatch_event_target" "queue" {
  count = var.send_by_rule ? 1 : 0

  rule = aws_cloudwatch_event_rule.alarms[0].name
  arn  = aws_sqs_queue.alarms.arn
}
