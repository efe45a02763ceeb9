/** What the demo prints: coloured on a terminal, plain in a pipe. */
const colored = process.stdout.isTTY === true && !process.env.NO_COLOR

const paint = (code: number) => (text: string) => (colored ? `\u001b[${code}m${text}\u001b[0m` : text)
export const bold = paint(1)
export const dim = paint(2)
const green = paint(32)
const red = paint(31)
const cyan = paint(36)

let number = 0
export const chapter = (title: string) => console.log(`\n${bold(`${++number}. ${title}`)}`)
export const say = (text: string) => console.log(`   ${text}`)
export const command = (line: string) => console.log(`   ${dim("$")} ${cyan(line)}`)
export const quote = (text: string) => {
  for (const line of text.trimEnd().split("\n")) console.log(`   ${dim("|")} ${line}`)
}

/** One number that has to be right. */
export interface Check {
  readonly what: string
  readonly expected: string | number
  readonly found: string | number
}

/** Prints the table; answers how many are wrong. */
export function verdict(checks: readonly Check[]): number {
  const width = Math.max(...checks.map(({ what }) => what.length))
  let wrong = 0
  for (const { what, expected, found } of checks) {
    const right = expected === found
    if (!right) wrong++
    const tail = right ? "" : `  expected ${expected}`
    say(`${right ? green("ok") : red("!!")} ${what.padEnd(width)}  ${found}${red(tail)}`)
  }
  return wrong
}
