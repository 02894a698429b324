-- One row per student: a person with an enrollment in scope that counts.
-- Reads: enrollment_scope.
SELECT personID
FROM enrollment_scope
WHERE counts
GROUP BY personID
