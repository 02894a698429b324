-- One row per person: the ids that the target knows the person by, as the settings choose them.
-- Reads: Person, scope.
-- Rules: students and staff by Ed-Fi id, local number or state id; contacts by Ed-Fi id or by
-- district number and personID. A setting of another value stops the run: the impossible casts say
-- which. No id: the person and everything of the person is skipped.
SELECT
    p.personID,
    nullif(trim(CASE y.student_unique_id
        WHEN 'edfi_id' THEN p.edFiID
        WHEN 'local_number' THEN p.studentNumber
        WHEN 'state_id' THEN p.stateID
        ELSE CAST(CAST(concat('student_unique_id is ', y.student_unique_id, ', not edfi_id, local_number or state_id') AS BIGINT) AS VARCHAR)
    END), '') AS student_unique_id,
    nullif(trim(CASE y.staff_unique_id
        WHEN 'edfi_id' THEN p.edFiID
        WHEN 'local_number' THEN p.staffNumber
        WHEN 'state_id' THEN p.stateID
        ELSE CAST(CAST(concat('staff_unique_id is ', y.staff_unique_id, ', not edfi_id, local_number or state_id') AS BIGINT) AS VARCHAR)
    END), '') AS staff_unique_id,
    nullif(trim(CASE y.contact_unique_id
        WHEN 'edfi_id' THEN p.edFiID
        WHEN 'district_person' THEN concat(y.district_number, '-', p.personID)
        ELSE CAST(CAST(concat('contact_unique_id is ', y.contact_unique_id, ', not edfi_id or district_person') AS BIGINT) AS VARCHAR)
    END), '') AS contact_unique_id
FROM scope y
CROSS JOIN Person p
