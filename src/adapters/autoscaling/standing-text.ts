/** What a load balancer says of a target, as one piece of a sentence. It has words of its own for "nothing to say". */
export function standingText(state = 'unknown', reason?: string, description?: string): string {
  const more = [reason, description].filter((text) => text !== undefined && text !== '' && text !== 'N/A')
  return more.length === 0 ? state : `${state} (${more.join(': ')})`
}
