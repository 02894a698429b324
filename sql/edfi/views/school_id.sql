-- One row per school: its id at the target, and whether it is excluded.
-- Reads: School, scope.
-- Rules: schoolId = district id * 1000 + School.number, which has at most three digits; a school
-- with another number has no id, rather than one that looks like another district's.
SELECT
    s.schoolID,
    s.exclude IS TRUE AS excluded,
    CASE
        WHEN try_cast(trim(s.number) AS BIGINT) BETWEEN 0 AND 999
            THEN y.local_education_agency_id * 1000 + try_cast(trim(s.number) AS BIGINT)
    END AS edfi_school_id
FROM scope y
CROSS JOIN School s
