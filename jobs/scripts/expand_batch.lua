-- expand_batch: makes the next jobs of a batch. Workers do the same now and then, for batches left by a dead API.
-- ARGV    batch_id
--         most       jobs to make
-- RETURN  {jobs still to be made}
return { expand(batch_id, now(), most) }
