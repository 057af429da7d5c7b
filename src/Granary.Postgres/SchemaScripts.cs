namespace Granary.Postgres;

/// <summary>The scripts that make the tables and functions; {s} stands for the schema's name.</summary>
internal static class SchemaScripts
{
    /// <summary>The first.</summary>
    /// <remarks>
    /// Times are milliseconds since 1970. <c>pages</c> and <c>records</c> in a job's row count what it has, so a write
    /// out of turn is refused and a lost row is found. A job that is being removed is staged again, but keeps its
    /// <c>expires</c>. Of what changes with each commit only <c>due</c> is indexed: a job's row is updated in place
    /// (HOT), for which its page keeps room, unless <c>due</c> changes. Blobs are not compressed: what is worth it was
    /// compressed by whoever wrote it. Keys are bytes, so that no encoding or collation changes what is equal.
    /// <c>writers</c> has a row for each process that writes: the number of its last commit, by which a commit whose
    /// answer was lost is recognized when it is tried again. Blocks begin a new row after 1,000 commits, so that
    /// versions which an old snapshot keeps alive do not pile up under one key.
    /// </remarks>
    public const string Version1 = """
        CREATE TABLE {s}.store (version integer NOT NULL);
        INSERT INTO {s}.store VALUES (1);

        CREATE TABLE {s}.jobs (
          id bigint PRIMARY KEY,
          epoch bigint NOT NULL,
          expires bigint,
          due bigint,
          pages integer NOT NULL,
          records integer NOT NULL,
          phase smallint NOT NULL,
          state smallint NOT NULL,
          key bytea,
          header bytea NOT NULL,
          summary bytea NOT NULL) WITH (fillfactor = 60);
        ALTER TABLE {s}.jobs ALTER header SET STORAGE EXTERNAL, ALTER summary SET STORAGE EXTERNAL;
        CREATE UNIQUE INDEX jobs_by_key ON {s}.jobs (key) WHERE key IS NOT NULL;
        CREATE INDEX jobs_by_state ON {s}.jobs (state, id) WHERE phase = 3;
        CREATE INDEX jobs_unfinished ON {s}.jobs (phase, id) WHERE phase < 3;
        CREATE INDEX jobs_by_expiry ON {s}.jobs (expires, id) WHERE expires IS NOT NULL;
        CREATE INDEX jobs_by_due ON {s}.jobs (due, id) WHERE phase = 2 AND due IS NOT NULL;

        CREATE TABLE {s}.pages (
          job bigint NOT NULL,
          number integer NOT NULL,
          shape bytea NOT NULL,
          args bytea NOT NULL,
          PRIMARY KEY (job, number));
        ALTER TABLE {s}.pages ALTER shape SET STORAGE EXTERNAL, ALTER args SET STORAGE EXTERNAL;

        CREATE TABLE {s}.records (
          job bigint NOT NULL,
          number integer NOT NULL,
          events bytea NOT NULL,
          vals bytea NOT NULL,
          PRIMARY KEY (job, number));
        ALTER TABLE {s}.records ALTER events SET STORAGE EXTERNAL, ALTER vals SET STORAGE EXTERNAL;

        CREATE TABLE {s}.writers (
          id bigint NOT NULL,
          block bigint NOT NULL,
          number bigint NOT NULL,
          backend integer NOT NULL,
          since timestamptz NOT NULL,
          who text NOT NULL,
          answers smallint[],
          PRIMARY KEY (id, block));

        -- One group of writes, in order. The answers are WriteResult; null where all were written. A column that holds
        -- nothing is null as a whole.
        CREATE FUNCTION {s}.commit_writes(
          writer_id bigint, commit_number bigint,
          ids bigint[], epochs bigint[], phases smallint[], states smallint[],
          first_pages integer[], page_counts integer[], record_numbers integer[],
          expiry_times bigint[], due_times bigint[], job_keys bytea[], headers bytea[], summaries bytea[],
          event_blobs bytea[], value_blobs bytea[],
          page_writes integer[], page_numbers integer[], shape_blobs bytea[], arg_blobs bytea[])
        RETURNS smallint[] LANGUAGE plpgsql AS $body$
        DECLARE
          writer record;
          writes integer := cardinality(ids);
          outcomes smallint[] := array_fill(1::smallint, ARRAY[writes]);
          outcome smallint;
          refused boolean := false;
        BEGIN
          IF commit_number % 1000 = 0 THEN
            DELETE FROM {s}.writers w
            WHERE w.id = writer_id AND w.block = (commit_number - 1) / 1000 AND w.number = commit_number - 1
            RETURNING w.backend, w.since, w.who INTO writer;
            IF FOUND THEN
              INSERT INTO {s}.writers VALUES (
                writer_id, commit_number / 1000, commit_number, writer.backend, writer.since, writer.who);
            END IF;
          ELSE
            UPDATE {s}.writers w SET number = commit_number, answers = NULL
            WHERE w.id = writer_id AND w.block = commit_number / 1000 AND w.number = commit_number - 1;
          END IF;
          IF NOT FOUND THEN
            SELECT * INTO writer FROM {s}.writers w WHERE w.id = writer_id AND w.number = commit_number;
            IF FOUND THEN RETURN writer.answers; END IF;
            RAISE EXCEPTION 'commit % does not follow the last one of writer %', commit_number, writer_id
              USING ERRCODE = 'GR001';
          END IF;

          FOR i IN 1 .. writes LOOP
            outcome := 1;
            IF headers[i] IS NOT NULL THEN
              INSERT INTO {s}.jobs (
                id, epoch, expires, due, pages, records, phase, state, key, header, summary)
              VALUES (
                ids[i], 1, expiry_times[i], due_times[i], page_counts[i], (record_numbers[i] IS NOT NULL)::integer,
                phases[i], states[i], job_keys[i], headers[i], summaries[i])
              ON CONFLICT DO NOTHING;
              IF NOT FOUND THEN
                outcome := CASE WHEN EXISTS (SELECT 1 FROM {s}.jobs j WHERE j.id = ids[i]) THEN 4 ELSE 3 END;
              END IF;
            ELSIF job_keys[i] IS NULL THEN
              UPDATE {s}.jobs j SET
                phase = phases[i], state = states[i], expires = expiry_times[i], due = due_times[i],
                pages = j.pages + page_counts[i], records = j.records + (record_numbers[i] IS NOT NULL)::integer,
                summary = summaries[i]
              WHERE j.id = ids[i] AND j.epoch = epochs[i]
                AND j.pages = coalesce(first_pages[i], j.pages) AND j.records = coalesce(record_numbers[i], j.records);
              IF NOT FOUND THEN outcome := 2; END IF;
            ELSE
              BEGIN
                UPDATE {s}.jobs j SET
                  phase = phases[i], state = states[i], expires = expiry_times[i], due = due_times[i],
                  pages = j.pages + page_counts[i], records = j.records + (record_numbers[i] IS NOT NULL)::integer,
                  summary = summaries[i], key = job_keys[i]
                WHERE j.id = ids[i] AND j.epoch = epochs[i]
                  AND j.pages = coalesce(first_pages[i], j.pages)
                  AND j.records = coalesce(record_numbers[i], j.records);
                IF NOT FOUND THEN outcome := 2; END IF;
              EXCEPTION WHEN unique_violation THEN
                outcome := 3;
              END;
            END IF;
            IF outcome <> 1 THEN
              outcomes[i] := outcome;
              refused := true;
            END IF;
          END LOOP;

          IF cardinality(page_writes) > 0 THEN
            INSERT INTO {s}.pages (job, number, shape, args)
            SELECT ids[p.write], p.number, p.shape, p.args
            FROM unnest(page_writes, page_numbers, shape_blobs, arg_blobs) AS p (write, number, shape, args)
            WHERE outcomes[p.write] = 1;
          END IF;
          IF cardinality(event_blobs) > 0 THEN
            INSERT INTO {s}.records (job, number, events, vals)
            SELECT r.job, r.number, r.events, r.vals
            FROM unnest(ids, record_numbers, event_blobs, value_blobs, outcomes)
              AS r (job, number, events, vals, outcome)
            WHERE r.number IS NOT NULL AND r.outcome = 1;
          END IF;

          IF NOT refused THEN RETURN NULL; END IF;
          UPDATE {s}.writers w SET answers = outcomes WHERE w.id = writer_id AND w.number = commit_number;
          RETURN outcomes;
        END
        $body$;

        -- Hides a job and removes so many of its rows; whether nothing of it is left.
        CREATE FUNCTION {s}.remove_job(job_id bigint, max_rows integer)
        RETURNS boolean LANGUAGE plpgsql AS $body$
        DECLARE
          removed integer;
          more integer;
        BEGIN
          UPDATE {s}.jobs SET epoch = epoch + 1, phase = 1, key = NULL, due = NULL WHERE id = job_id;
          IF NOT FOUND THEN RETURN true; END IF;
          DELETE FROM {s}.pages
          WHERE job = job_id AND number < (SELECT min(number) FROM {s}.pages WHERE job = job_id) + max_rows;
          GET DIAGNOSTICS removed = ROW_COUNT;
          IF removed < max_rows THEN
            DELETE FROM {s}.records
            WHERE job = job_id
              AND number < (SELECT min(number) FROM {s}.records WHERE job = job_id) + max_rows - removed;
            GET DIAGNOSTICS more = ROW_COUNT;
            removed := removed + more;
          END IF;
          IF removed = max_rows THEN RETURN false; END IF;
          DELETE FROM {s}.jobs WHERE id = job_id;
          RETURN true;
        END
        $body$
        """;
}
