-- One row per student of the year: a person with an enrollment in scope that counts.
-- Reads: enrollment_scope.
SELECT DISTINCT personID
FROM enrollment_scope
WHERE counts
