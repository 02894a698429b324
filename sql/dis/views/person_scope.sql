-- One row per person that the state is told of: enrolled in a calendar in scope, or staff.
-- Reads: enrollment_scope, staff_scope.
SELECT personID
FROM enrollment_scope
WHERE in_scope AND skip IS NULL
UNION
SELECT personID
FROM staff_scope
