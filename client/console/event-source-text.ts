/**
 * Takes the text of a server-sent event stream piece by piece and gives the data of each complete event (HTML Living Standard, 9.2.6). Only `data` fields are
 * used; a piece may end anywhere, also between the two characters of a line end.
 */
export function eventSourceText(): (piece: string) => string[] {
  let rest = ''
  let data: string[] = []
  return (piece) => {
    const events: string[] = []
    rest += piece
    for (;;) {
      const end = rest.search(/\r\n|\n|\r/)
      // a CR at the very end may be half of a CRLF
      if (end === -1 || (rest[end] === '\r' && end === rest.length - 1)) return events
      const line = rest.slice(0, end)
      rest = rest.slice(end + (rest.startsWith('\r\n', end) ? 2 : 1))
      if (line === '') {
        if (data.length > 0) events.push(data.join('\n'))
        data = []
      } else if (line === 'data' || line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''))
    }
  }
}
