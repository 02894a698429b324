-- One row per school that is sent: not excluded, with a calendar in scope.
-- Reads: School, calendar_scope.
SELECT DISTINCT s.schoolID
FROM School s
JOIN calendar_scope c ON c.schoolID = s.schoolID
WHERE c.in_scope
