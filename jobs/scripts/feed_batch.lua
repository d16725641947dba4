-- feed_batch: makes the next jobs of a batch. Workers do the same now and then, for batches left by a dead API.
-- KEYS    1 batch (hash)
-- ARGV    1 batch id   2 most jobs to make
-- RETURN  {jobs still to be made}
return { feed(ARGV[1], now(), ARGV[2]) }
