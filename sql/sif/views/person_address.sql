-- One row per person whose current household has an address: one address of each type.
-- Reads: person_household, HouseholdLocation, Address, scope.
-- Rules: a location for mailing only is a mailing address, others are where the person lives; of
-- several of one type the latest start counts, then the greatest addressID.
WITH place AS (
    SELECT
        l.householdID,
        CASE WHEN l.mailing IS TRUE AND l.physical IS NOT TRUE THEN '0123' ELSE '0765' END AS type,
        first_value(a.addressID ORDER BY l.startDate DESC NULLS LAST, a.addressID DESC)
            AS addressID
    FROM scope y
    CROSS JOIN HouseholdLocation l
    JOIN Address a ON a.addressID = l.addressID
    WHERE l.secondary IS NOT TRUE
        AND (l.endDate IS NULL OR l.endDate >= y.year_start)
        AND (l.startDate IS NULL OR l.startDate <= y.year_end)
    GROUP BY
        l.householdID,
        CASE WHEN l.mailing IS TRUE AND l.physical IS NOT TRUE THEN '0123' ELSE '0765' END
),
household AS (
    SELECT
        p.householdID,
        array_sort(array_agg(named_struct(
            'City', nullif(trim(a.city), ''),
            'Country', 'US',
            'County', nullif(trim(a.county), ''),
            'PostalCode', nullif(trim(a.zip), ''),
            'StateProvince', nullif(trim(a.state), ''),
            'Street', named_struct(
                'ApartmentNumber', nullif(trim(a.apt), ''),
                'Line1', nullif(concat_ws(' ',
                    CASE WHEN a.postOfficeBox IS TRUE THEN 'PO Box' END,
                    nullif(trim(a.number), ''), nullif(trim(a.prefix), ''),
                    nullif(trim(a.street), ''), nullif(trim(a.tag), ''), nullif(trim(a.dir), '')
                ), '')
            ),
            'Type', p.type
        ))) AS addresses
    FROM place p
    JOIN Address a ON a.addressID = p.addressID
    GROUP BY p.householdID
)
SELECT m.personID, h.addresses
FROM person_household m
JOIN household h ON h.householdID = m.householdID
