-- One row per English learner status of a person that the state is told of.
-- Reads: LEP, person_scope.
SELECT
    l.exitDate,
    l.identifiedDate,
    l.lepID,
    l.parentRefused,
    named_struct('personID', l.personID) AS person,
    trim(l.programStatus) AS programStatus,
    'LEP' AS _source_table,
    CAST(l.lepID AS VARCHAR) AS _source_key,
    l.personID AS _person_id
FROM LEP l
JOIN person_scope p ON p.personID = l.personID
