/** Terminal control sequences (CSI and OSC), whole. */
// eslint-disable-next-line no-control-regex -- control characters are what this is about
const escapeSequences = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]{0,256}(?:\u0007|\u001b\\)?)/g
/** Other control characters but tab, and the marks that reorder text (a log line must not show backwards). */
// eslint-disable-next-line no-control-regex -- as above
const controls = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g

/** Text of a host as it may be shown: it can't move the cursor, colour the rest of the log or forge lines. */
export function printable(text: string): string {
  return text.replace(escapeSequences, '').replace(controls, '\ufffd')
}
