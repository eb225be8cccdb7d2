// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

/** Text from outside without control characters other than tab and line feed: a model's name must not steer a terminal. */
export const harmless = (text: string): string => text.replace(CONTROL, '�')
