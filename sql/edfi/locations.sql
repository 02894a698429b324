-- One row per room of a school in scope.
-- Reads: Room, school_scope.
SELECT
    trim(r.name) AS classroomIdentificationCode,
    r.capacity AS maximumNumberOfSeats,
    named_struct('schoolId', s.edfi_school_id) AS schoolReference,
    'Room' AS _source_table,
    CAST(r.roomID AS VARCHAR) AS _source_key,
    r.schoolID AS _school_id,
    CASE WHEN s.schoolID IS NULL THEN concat('orphan_row: Room.schoolID=', r.schoolID) END
        AS _reject
FROM Room r
LEFT JOIN school_scope s ON s.schoolID = r.schoolID
WHERE s.in_scope IS NOT FALSE
