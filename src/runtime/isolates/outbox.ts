/**
 * Gathers what one turn of the event loop has to say, and sends it as one parcel at the turn's end.
 */
export interface Outbox<Parcel extends object> {
  /** The parcel of this turn, to be added to. It will be sent. */
  open(): Parcel
  /** Sends what is gathered now, for when the turn may never end. */
  flush(): void
}

export function createOutbox<Parcel extends object>(
  empty: () => Parcel,
  send: (parcel: Parcel) => void,
  /** When the turn ends, for whoever tells of it. */
  atEnd: (flush: () => void) => void = setImmediate,
): Outbox<Parcel> {
  let parcel: Parcel | undefined
  const flush = () => {
    const full = parcel
    parcel = undefined
    if (full) send(full)
  }
  return {
    open() {
      if (!parcel) {
        parcel = empty()
        atEnd(flush)
      }
      return parcel
    },
    flush,
  }
}

/** Adds to one of a parcel's lists, which may not be there yet. */
export function push<Parcel, Key extends keyof Parcel>(
  parcel: Parcel,
  key: Key,
  item: NonNullable<Parcel[Key]> extends (infer Item)[] ? Item : never,
): void {
  const list = parcel[key] as unknown[] | undefined
  if (list) list.push(item)
  else parcel[key] = [item] as Parcel[Key]
}

/**
 * So many items should be in one parcel: each may hold a payload of 1 MiB, and a parcel is one text in memory. More
 * together would be hardly faster.
 */
export const MOST = 64

/** Whether a list is as long as a parcel's should get, at so many entries an item. */
export const isFull = (list: readonly unknown[] | undefined, entries = 1): boolean =>
  list !== undefined && list.length >= MOST * entries
