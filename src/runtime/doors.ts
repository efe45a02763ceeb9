/** What commands reach of the machine through the composition root, loaded when it is called for. */

/** The line to the service manager that started this process; undefined when none listens. */
export const serviceManager = async () => (await import("./systemd.ts")).serviceManager(process.env)

/** The words that start this Stem: its executable, or Bun and its sources. */
export const ownCommand = async (): Promise<string[]> => (await import("./isolates/process.ts")).ownCommand()

/** Becomes the process that minds one command: what another hidden sub-command does. */
export async function becomeMinder(): Promise<void> {
  const { minderMain } = await import("./shell/minder.ts")
  await minderMain()
}
