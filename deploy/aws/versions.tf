# Validated with Terraform 1.11.4 and provider 5.100.0; of 6 its upgrade guide was read. README.md says more.
terraform {
  required_version = ">= 1.5.0, < 2.0.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100.0, < 7.0.0"
    }
  }
}
