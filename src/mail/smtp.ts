/**
 * Mail over SMTP. nodemailer is loaded with the first mail: most installations send none. It builds the message, so a
 * subject or a name from a commit is encoded and cannot add a header; line breaks are taken out before as well.
 */
import type { Transporter } from 'nodemailer'
import { errorMessage } from '../core/errors.ts'
import { reveal, type Secret } from '../core/secret.ts'

export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
  /** The same for every try: a mailbox that gets it twice shows it once. */
  readonly messageId: string
}

export type SendResult =
  | { readonly kind: 'sent' }
  /** The server does not answer, or asks to come again. */
  | { readonly kind: 'later'; readonly cause: string }
  /** This mail will never be taken. */
  | { readonly kind: 'refused'; readonly cause: string }

export interface Mailer {
  send(mail: Mail): Promise<SendResult>
  close(): void
}

export interface SmtpOptions {
  /** `smtp://user:password@host:587` or `smtps://`. */
  readonly url: Secret
  /** Address of the sender, with or without a name. */
  readonly from: string
}

/** A mail server that takes longer is tried again later. */
const SMTP_TIMEOUT_MS = 30_000
/** RFC 5322; longer lines are cut by servers. */
const LONGEST_SUBJECT = 200

export function smtpMailer({ url, from }: SmtpOptions): Mailer {
  let opening: Promise<Transporter> | undefined
  return {
    async send(mail) {
      try {
        const transport = await (opening ??= openTransport(url))
        await transport.sendMail({
          from: oneLine(from),
          to: { name: '', address: oneLine(mail.to) },
          subject: oneLine(mail.subject).slice(0, LONGEST_SUBJECT),
          text: mail.text,
          html: mail.html,
          messageId: `<${oneLine(mail.messageId)}>`,
          headers: { 'Auto-Submitted': 'auto-generated' },
          disableFileAccess: true,
          disableUrlAccess: true,
        })
        return { kind: 'sent' }
      } catch (error) {
        return { kind: isRefusal(error) ? 'refused' : 'later', cause: errorMessage(error) }
      }
    },
    close() {
      opening?.then((transport) => transport.close()).catch(() => undefined)
    },
  }
}

async function openTransport(url: Secret): Promise<Transporter> {
  const { createTransport } = await import('nodemailer')
  return createTransport({
    url: reveal(url),
    connectionTimeout: SMTP_TIMEOUT_MS,
    greetingTimeout: SMTP_TIMEOUT_MS,
    socketTimeout: SMTP_TIMEOUT_MS,
  })
}

/** 5xx to the recipient or the content; 5xx to our credentials is an admin's mistake that can be mended. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error) || !('responseCode' in error) || typeof error.responseCode !== 'number') return false
  const isAuthentication = 'code' in error && error.code === 'EAUTH'
  return error.responseCode >= 500 && !isAuthentication
}

function oneLine(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u001F\u007F]+/g, ' ').trim()
}
