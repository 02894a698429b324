-- One row per room of a school in scope.
-- Reads: Room, School, school_scope.
SELECT
    ref_id('RoomInfo', r.roomID) AS RefId,
    ref_id('SchoolInfo', r.schoolID) AS SchoolInfoRefId,
    nullif(trim(r.name), '') AS RoomNumber,
    r.capacity AS Capacity,
    'Room' AS _source_table,
    CAST(r.roomID AS VARCHAR) AS _source_key,
    r.schoolID AS _school_id,
    CASE WHEN s.schoolID IS NULL THEN concat('orphan_row: Room.schoolID=', r.schoolID) END
        AS _reject
FROM Room r
LEFT JOIN School s ON s.schoolID = r.schoolID
LEFT JOIN school_scope c ON c.schoolID = r.schoolID
WHERE s.schoolID IS NULL OR c.schoolID IS NOT NULL
