import { SlipwayError } from '../core/errors.ts'

export interface S3Address {
  readonly endpoint: string
  readonly region: string
  readonly bucket: string
  /** Empty, or ends in a slash. */
  readonly prefix: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

const DEFAULT_REGION = 'us-east-1'

/**
 * `S3_URL`: `https://KEY:SECRET@endpoint/bucket/optional/prefix?region=eu-1`; the key and the secret percent-encoded.
 * `s3://` means the same as `https://`. Throws `setting_invalid`, never with the secret in its message.
 */
export function parseS3Url(text: string): S3Address {
  const url = URL.parse(text.replace(/^s3:\/\//, 'https://'))
  if (url === null || !/^https?:$/.test(url.protocol)) throw invalid('must be an https:// or http:// address')
  if (url.username === '' || url.password === '') throw invalid('must hold KEY:SECRET before the @')
  const [bucket = '', ...folders] = url.pathname.split('/').filter((part) => part !== '')
  if (bucket === '') throw invalid('must name a bucket after the host')
  return {
    endpoint: url.origin,
    region: url.searchParams.get('region') ?? DEFAULT_REGION,
    bucket: decodeURIComponent(bucket),
    prefix: folders.map((folder) => `${decodeURIComponent(folder)}/`).join(''),
    accessKeyId: decodeURIComponent(url.username),
    secretAccessKey: decodeURIComponent(url.password),
  }
}

function invalid(problem: string): SlipwayError {
  return new SlipwayError('setting_invalid', `S3_URL ${problem}`, {
    field: 'S3_URL',
    remedy: 'Write https://KEY:SECRET@endpoint/bucket/prefix?region=REGION.',
  })
}
