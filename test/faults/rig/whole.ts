/** The whole suite; otherwise the part that CI has time for. */
export const whole = process.env['DELIVER_FAULTS'] !== 'part'
