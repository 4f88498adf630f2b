/** An alias of this package's devDependencies. What we use of it, Express 5 has with the same types. */
declare module 'express4' {
  import express from 'express'
  export default express
}
