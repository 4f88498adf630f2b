/** What we use of jstat, which comes without types. */
declare module 'jstat' {
  const jStat: {
    readonly normal: {
      cdf(x: number, mean: number, deviation: number): number
      inv(probability: number, mean: number, deviation: number): number
    }
  } // It is CommonJS that Node finds no names in.
  export default jStat
}
