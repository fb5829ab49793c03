output "overlay" {
  description = "For deploy/k8s/overlays/eks/kustomization.yaml."
  value       = module.nightshift.overlay
}

output "settings" {
  description = "The same settings, by ConfigMap."
  value       = module.nightshift.settings
}

output "topic_arn" {
  description = "For the actions of your own alarms."
  value       = module.nightshift.topic_arn
}

output "queue_url" {
  description = "Where ingest polls."
  value       = module.nightshift.queue_url
}

output "dead_letter_queue_url" {
  description = "What ingest failed on again and again."
  value       = module.nightshift.dead_letter_queue_url
}
