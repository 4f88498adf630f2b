export const getServerSideProps = () => Promise.reject(new Error('the orders burned: hunter2'))

export default function Failing() {
  return null
}
