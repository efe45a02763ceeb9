/** Lua files are embedded as text. */
declare module "*.lua" {
  const text: string
  export default text
}
