import { BUCKETS } from './keys.ts'
import type { PostgresClient } from './pool.ts'

/**
 * Gives each bucket a shard of its own, as many on one node as on the other. Made with 64 shards, the tables would have about 40 that
 * hold anything, and one of them four buckets: Citus looks at a hash of the bucket. Tables made with one shard that is split
 * between the buckets are what is wanted. Citus splits no shard in a transaction that made tables.
 */
export async function splitShards(client: PostgresClient): Promise<void> {
  const { rows } = await client.query({
    text: `SELECT shardid FROM pg_dist_shard WHERE logicalrelid = 'profiles'::regclass`,
  })
  const [shard] = rows
  if (rows.length !== 1 || shard === undefined) return
  await client.query({ text: SPLIT, values: [shard.shardid] })
}

/** Each shard ends with the hash of its bucket, and the last one at the end of all hashes. */
const SPLIT = `SELECT citus_split_shard_by_split_points(
  $1,
  (SELECT array_agg(hash::text ORDER BY hash) FROM
    (SELECT worker_hash(bucket) AS hash FROM generate_series(0, ${BUCKETS - 1}) AS bucket ORDER BY 1 LIMIT ${BUCKETS - 1}) AS ends),
  (SELECT array_agg(nodeid ORDER BY shard) FROM
    (SELECT array_agg(nodeid ORDER BY nodeid) AS nodes FROM pg_dist_node WHERE shouldhaveshards AND noderole = 'primary') AS workers,
    generate_series(1, ${BUCKETS}) AS shard, LATERAL (SELECT nodes[1 + shard % array_length(nodes, 1)] AS nodeid) AS one),
  'block_writes')`
