/** What we use of jstat, which comes without types. */
declare module 'jstat' {
  export const jStat: {
    readonly normal: {
      cdf(x: number, mean: number, deviation: number): number
      inv(probability: number, mean: number, deviation: number): number
    }
  }
}
