"""Ways out of the database: mail and webhooks. In-app notices are rows and need none."""

from builder.jobs.channels.mail import MailChannel, MailSettings
from builder.jobs.channels.webhook import WebhookChannel, WebhookSettings

__all__ = ["MailChannel", "MailSettings", "WebhookChannel", "WebhookSettings"]
