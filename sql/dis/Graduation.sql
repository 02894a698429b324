-- One row per graduation record of a person that the state is told of.
-- Reads: Graduation, person_scope.
SELECT
    g.cohortYear,
    g.diplomaDate,
    trim(g.diplomaType) AS diplomaType,
    g.gradYear,
    g.graduationID,
    named_struct('personID', g.personID) AS person,
    CASE WHEN g.schoolID IS NOT NULL THEN named_struct('schoolID', g.schoolID) END AS school,
    'Graduation' AS _source_table,
    CAST(g.graduationID AS VARCHAR) AS _source_key,
    g.schoolID AS _school_id,
    g.personID AS _person_id
FROM Graduation g
JOIN person_scope p ON p.personID = g.personID
