-- The transaction of a log, statement by statement as work/transitions.py sends it, for pgbench: each
-- client on a practice of its own, on any of its tasks that are still to be worked. Of each eight
-- tasks of benchmarks/dataset.py the first four are; a practice has one agent, with its own number.
-- The rows that are locked are the patient's open tasks, the one that is meant last. The digest is
-- always the same one: to compute it is Callboard's work, to write it the database's.
\set practice :first_practice + :client_id
\set life random(0, :tasks / 8 - 1)
\set way random(0, 3)
\set task :first_task + :client_id * :tasks + :life * 8 + :way
BEGIN;
SELECT id FROM patient WHERE practice_id = :practice
  AND id = (SELECT patient_id FROM task WHERE practice_id = :practice AND id = :task) FOR UPDATE;
SELECT id, practice_id, queue_id, patient_id, status, origin, reason, follow_up, due_on, expires_at,
       version, contact_count, last_contact_id, created_at, closed_at, close_cause, claimed_by_id,
       claimed_until, assignee_id, withdrawn_reason, claim_id
FROM task WHERE practice_id = :practice
  AND patient_id = (SELECT patient_id FROM task WHERE practice_id = :practice AND id = :task)
  AND (id = :task OR status IN ('OPEN', 'IN_PROGRESS'))
ORDER BY id = :task FOR UPDATE
\aset task_
WITH contact AS (
  INSERT INTO contact (practice_id, task_id, outcome, follow_up, notes, closed_task, contacted_at,
                       logged_at, logged_by_id, task_before)
  VALUES (:practice, :task, 'NO_ANSWER', current_date + 30, NULL, false, NULL, now(), :practice,
          '{"version": 1, "status": "OPEN", "follow_up": null, "due_on": "2026-11-28", "last_contact_id": null}')
  RETURNING id), changed AS (
  UPDATE task SET status = 'IN_PROGRESS', version = :task_version::int + 1, close_cause = NULL,
         follow_up = current_date + 30, due_on = current_date + 30, closed_at = NULL,
         contact_count = :task_contact_count::int + 1,
         last_contact_id = (SELECT id FROM contact),
         last_contacted_at = COALESCE(now(), last_contacted_at),
         last_outcome = COALESCE('NO_ANSWER', last_outcome), withdrawn_reason = NULL,
         claimed_by_id = NULL, claimed_until = NULL, claim_id = NULL
  WHERE practice_id = :practice AND id = :task)
SELECT id FROM contact
\gset contact_
SELECT seq + 1 AS seq, digest, last_event_at FROM practice WHERE id = :practice FOR NO KEY UPDATE
\gset
WITH counted AS (
  UPDATE practice SET seq = :seq, digest = decode(repeat('5a', 32), 'hex'), last_event_at = now()
  WHERE id = :practice)
INSERT INTO task_event (practice_id, seq, kind, at, task_id, queue_id, from_status, from_follow_up,
                        to_status, close_cause, contact_id, actor_id, version, follow_up, due_on,
                        contact_count, last_contact_id, claimed_by_id, claimed_until,
                        assignee_id, closed_at, claim_id, change, from_closed_at, expires_then,
                        withdrawn_then, given_reason, digest)
VALUES (:practice, :seq, 'CONTACT_LOGGED', now(), :task, :task_queue_id, :task_status,
        :task_follow_up::date, 'IN_PROGRESS', NULL, :contact_id, :practice,
        :task_version::int + 1, current_date + 30, current_date + 30,
        :task_contact_count::int + 1, :contact_id, NULL, NULL, NULL, NULL, NULL, :seq,
        NULL, NULL, NULL, NULL, decode(repeat('5a', 32), 'hex'));
COMMIT;
