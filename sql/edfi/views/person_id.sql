-- One row per person: the ids that the target knows the person by, as the settings choose them.
-- Reads: Person, scope.
-- Rules: students and staff by Ed-Fi id, local number or state id; contacts by Ed-Fi id or by
-- district number and personID. No id: the person and everything of the person is skipped.
SELECT
    p.personID,
    nullif(trim(CASE y.student_unique_id
        WHEN 'edfi_id' THEN p.edFiID
        WHEN 'local_number' THEN p.studentNumber
        WHEN 'state_id' THEN p.stateID
    END), '') AS student_unique_id,
    nullif(trim(CASE y.staff_unique_id
        WHEN 'edfi_id' THEN p.edFiID
        WHEN 'local_number' THEN p.staffNumber
        WHEN 'state_id' THEN p.stateID
    END), '') AS staff_unique_id,
    nullif(trim(CASE y.contact_unique_id
        WHEN 'edfi_id' THEN p.edFiID
        WHEN 'district_person' THEN concat(y.district_number, '-', p.personID)
    END), '') AS contact_unique_id
FROM scope y
CROSS JOIN Person p
