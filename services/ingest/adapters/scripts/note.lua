-- Note a decision that has no other effect.
-- KEYS  1 any key of ingest's
ask.counted = ''                                  -- the reason may be anything: only the outcome is counted by
note(ask.incident_id, ask.outcome, ask.reason, ask.alarm)
return answer(ask.outcome, ask.reason, ask.incident_id)
