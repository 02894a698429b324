-- One row per enrollment in a calendar in scope.
-- Reads: Enrollment, enrollment_scope.
SELECT
    named_struct('calendarID', e.calendarID) AS calendar,
    e.cohortYear,
    e.endDate,
    trim(e.endStatus) AS endStatus,
    e.enrollmentID,
    e.giftedTalented,
    e.gradYear,
    trim(e.grade) AS grade,
    e.homeless,
    trim(e.mealStatus) AS mealStatus,
    e.migrant,
    e.noShow,
    e.percentEnrolled,
    named_struct('personID', e.personID) AS person,
    trim(e.residentDistrict) AS residentDistrict,
    e.section504,
    trim(e.serviceType) AS serviceType,
    trim(e.specialEdStatus) AS specialEdStatus,
    e.startDate,
    trim(e.startStatus) AS startStatus,
    e.structureID,
    'Enrollment' AS _source_table,
    CAST(e.enrollmentID AS VARCHAR) AS _source_key,
    sc.schoolID AS _school_id,
    e.personID AS _person_id,
    sc.skip AS _skip,
    sc.orphan AS _reject
FROM Enrollment e
JOIN enrollment_scope sc ON sc.enrollmentID = e.enrollmentID
WHERE sc.in_scope
